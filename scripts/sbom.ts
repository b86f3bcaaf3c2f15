import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { billOfMaterials } from "./bill-of-materials.ts";
import { readLockFile } from "./lock-file.ts";

// Writes the bill of materials of the executable that `npm run build` makes on this platform, or on the one that is named:
// npm run sbom -- linux-aarch64

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const here = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
const platform = process.argv[2] ?? here;
const bill = billOfMaterials(await readLockFile(join(root, "package-lock.json")), platform);
const path = join(root, "dist", `tidings-${platform}.cdx.json`);
await mkdir(dirname(path), { recursive: true });
await writeFile(path, `${JSON.stringify(bill, null, 2)}\n`);
console.log(`${path}  ${bill.components.length} components`);
