"""What the verifier uses of the machine needs neither numpy nor numba."""

import subprocess
import sys


def test_layout_instructions_records_and_errors_import_no_arrays():
    modules = ["layout", "instructions", "records", "errors"]
    imports = "; ".join(f"import proving.machine.{module}" for module in modules)
    check = "import sys; print(sorted({'numpy', 'numba', 'jax'} & set(sys.modules)))"

    done = subprocess.run(
        [sys.executable, "-c", f"{imports}; {check}"], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
