/** A package that production needs and that is known to be vulnerable. */
export interface Weakness {
  readonly name: string;
  readonly severity: string;
  /** What is wrong with it, or through which other package it is affected. */
  readonly title: string;
}

/** What came of asking the registry. */
export type Answer =
  | { readonly kind: "answered"; readonly found: readonly Weakness[] }
  | { readonly kind: "unreachable"; readonly reason: string };

/** Reads what `npm audit --json` printed. What is no report in a form that is known counts as no answer. */
export function readAudit(text: string): Answer {
  const report = parse(text);
  if (!isRecord(report)) return { kind: "unreachable", reason: "npm printed no report" };
  const { vulnerabilities, message } = report;
  if (!isRecord(vulnerabilities)) {
    return { kind: "unreachable", reason: typeof message === "string" ? message : "npm gave no reason" };
  }
  const found = Object.entries(vulnerabilities).map(([name, one]): Weakness => {
    if (!isRecord(one)) return { name, severity: "unknown", title: "npm did not say what it is" };
    return { name, severity: String(one["severity"]), title: titleOf(one["via"]) };
  });
  return { kind: "answered", found };
}

/** Whether a weakness stops a change: high, critical, or of a severity that nobody knows. */
export function isGrave({ severity }: Weakness): boolean {
  return !["info", "low", "moderate"].includes(severity);
}

function titleOf(via: unknown): string {
  if (!Array.isArray(via)) return "npm did not say why";
  const reasons = via.map((one: unknown) => {
    if (isRecord(one)) return [one["title"], one["url"]].filter((part) => typeof part === "string").join(" ");
    return `through ${String(one)}`;
  });
  return reasons.join("; ");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
