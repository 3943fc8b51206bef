// What a wallet does with ethers and viem against one chain; prints what it saw as JSON.
// Arguments: URL of the chain, private key, ABI and bytecode of the counter contract (JSON file).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.BRAID_NODE_MODULES + "/");
const [url, key, contractFile] = process.argv.slice(2);
const { abi, bytecode } = JSON.parse(readFileSync(contractFile, "utf8"));

async function withEthers() {
  const ethers = require("ethers");
  const provider = new ethers.JsonRpcProvider(url, undefined, { pollingInterval: 50 });
  const wallet = new ethers.Wallet(key, provider);
  const transfer = await wallet.sendTransaction({ to: "0x" + "77".repeat(20), value: 5n });
  const transferReceipt = await transfer.wait();
  const contract = await new ethers.ContractFactory(abi, bytecode, wallet).deploy(5);
  await contract.waitForDeployment();
  const counted = await (await contract.count(3)).wait();
  const events = await contract.queryFilter(contract.filters.Counted(wallet.address), 0);
  const reverted = await contract.count.staticCall(100).catch((error) => error.reason);
  const old = await wallet
    .sendTransaction({ to: wallet.address, nonce: 0 })
    .catch((error) => error.code);
  const block = await provider.getBlock("latest", true);
  const first = await provider.getBlock(1, true);
  const result = {
    status: transferReceipt.status,
    total: Number(await contract.total()),
    logs: counted.logs.length,
    events: events.map((event) => Number(event.args.total)),
    reverted,
    staleNonce: old,
    transactionsInBlock: block.prefetchedTransactions.length,
    firstTypes: first.prefetchedTransactions.map((transaction) => transaction.type),
  };
  provider.destroy();
  return result;
}

async function withViem() {
  const { createPublicClient, createWalletClient, defineChain, http } = require("viem");
  const { privateKeyToAccount } = require("viem/accounts");
  const transport = http(url);
  const probe = createPublicClient({ transport });
  const chain = defineChain({
    id: await probe.getChainId(),
    name: "braid",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  const account = privateKeyToAccount(key);
  const reader = createPublicClient({ chain, transport, pollingInterval: 50 });
  const wallet = createWalletClient({ account, chain, transport });
  const transfer = await wallet.sendTransaction({ to: "0x" + "77".repeat(20), value: 5n });
  const transferReceipt = await reader.waitForTransactionReceipt({ hash: transfer });
  const creation = await wallet.deployContract({ abi, bytecode, args: [5n] });
  const { contractAddress: address } = await reader.waitForTransactionReceipt({ hash: creation });
  const hash = await wallet.writeContract({ address, abi, functionName: "count", args: [3n] });
  const counted = await reader.waitForTransactionReceipt({ hash });
  const events = await reader.getContractEvents({ address, abi, eventName: "Counted", fromBlock: 0n });
  const reverted = await reader
    .simulateContract({ address, abi, functionName: "count", args: [100n], account })
    .catch((error) => error.cause.reason);
  const proof = await reader.getProof({ address, storageKeys: ["0x" + "00".repeat(32)] });
  const block = await reader.getBlock({ blockTag: "safe", includeTransactions: true });
  const first = await reader.getBlock({ blockNumber: 1n, includeTransactions: true });
  return {
    firstTypes: first.transactions.map((transaction) => Number(transaction.typeHex)),
    status: transferReceipt.status,
    total: Number(await reader.readContract({ address, abi, functionName: "total" })),
    logs: counted.logs.length,
    events: events.map((event) => Number(event.args.total)),
    reverted,
    proven: Number(proof.storageProof[0].value),
    transactionsInBlock: block.transactions.length,
  };
}

console.log(JSON.stringify({ ethers: await withEthers(), viem: await withViem() }));
