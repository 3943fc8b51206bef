"""The machine as users see it: prove a program's run, keep the proof in a file, verify the file.

machine      the chips as one machine of the proof system                (plain)
proof_file   proofs of one program's runs, and what they are of          (plain)
verification from a proof file's bytes to what it proves                 (plain)
program_key  the key of a program                                        (arrays)
proving      execute, lay out traces, prove                              (arrays)
"""
