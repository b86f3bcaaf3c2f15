import { createHash } from "node:crypto";
import {
  type LockedPackage,
  type LockFile,
  packageName,
  productionTree,
  type TreeNode,
} from "./lock-file.ts";

/** A part of a CycloneDX 1.5 bill of materials (https://cyclonedx.org/docs/1.5/json). */
export interface Component {
  readonly "bom-ref": string;
  readonly type: "application" | "library" | "platform";
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[];
  readonly licenses?: readonly License[];
}

type License = { readonly license: { readonly id: string } } | { readonly expression: string };

export interface BillOfMaterials {
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.5";
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const SERVER = "packages/server";

/**
 * What is in the executable for a platform, by the name of Bun's package for it (`linux-x64`): the relay, the packages that it
 * runs with, and Bun itself, which each executable carries. The same lock file gives the same bytes.
 *
 * `npm sbom --omit=dev` does not do: it leaves out Bun, and each package that the workspace also has for its tests.
 * @throws {Error} where the lock file does not fit, or has no Bun for the platform.
 */
export function billOfMaterials(lock: LockFile, platform: string): BillOfMaterials {
  const [relay, ...rest] = productionTree(lock, SERVER);
  const runtime = `node_modules/@oven/bun-${platform}`;
  const bun = lock.packages[runtime];
  if (relay === undefined || bun === undefined) throw new Error(`the lock file has no Bun for ${platform}`);
  const nodes: readonly TreeNode[] = [...rest, { place: runtime, entry: bun, needs: [] }].toSorted((a, b) =>
    a.place < b.place ? -1 : 1,
  );
  const ref = (place: string): string => componentOf(place, lock.packages[place] ?? {})["bom-ref"];
  const components = nodes.map(({ place, entry }) => componentOf(place, entry, place === runtime));
  const application = { ...componentOf(SERVER, relay.entry), type: "application" as const, name: "tidings" };
  const dependencies = [{ ...relay, needs: [...relay.needs, runtime] }, ...nodes].map(({ place, needs }) => ({
    ref: ref(place),
    dependsOn: needs.map(ref).toSorted(),
  }));
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: serialNumber(JSON.stringify([application, components, dependencies])),
    version: 1,
    metadata: { component: application },
    components,
    dependencies,
  };
}

function componentOf(place: string, entry: LockedPackage, isPlatform = false): Component {
  // A folder of the checkout has no name of its own in a lock file.
  const fullName = packageName(place) ?? `@tidings/${place.slice(place.lastIndexOf("/") + 1)}`;
  const [scope, scopedName] = fullName.startsWith("@") ? fullName.split("/") : [undefined, fullName];
  const version = entry.version ?? "";
  const purl = `pkg:npm/${fullName.replace("@", "%40")}@${version}`;
  return {
    "bom-ref": purl,
    type: isPlatform ? "platform" : "library",
    ...(scope === undefined ? {} : { group: scope }),
    name: scopedName ?? fullName,
    version,
    purl,
    ...(entry.integrity === undefined
      ? {}
      : { hashes: [{ alg: "SHA-512", content: hexOf(entry.integrity) }] }),
    ...(entry.license === undefined ? {} : { licenses: [licenseOf(entry.license)] }),
  };
}

function licenseOf(text: string): License {
  return text.includes(" ") ? { expression: text } : { license: { id: text } };
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
}

/** A UUID of version 8 (RFC 9562, 5.8) made from what the bill says. */
function serialNumber(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
