import type { ReactElement } from "react";

/** Text as it stands, in a box that scrolls, also by keyboard. */
export function CodeBlock({ text }: { readonly text: string }): ReactElement {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- or no key scrolls it in some browsers
    <pre tabIndex={0}>
      <code>{text}</code>
    </pre>
  );
}
