import type { AnchorHTMLAttributes, MouseEvent, ReactNode } from "react";

/**
 * Goes to another address of this application without asking the server: everything it shows is on the page already. So
 * it works without a network, and the connection stays.
 */
export function show(path: string): void {
  history.pushState(null, "", path);
}

/** A link that does so, unless it is opened elsewhere. */
export function LocalLink({
  href,
  onClick,
  children,
  ...others
}: AnchorHTMLAttributes<HTMLAnchorElement> & { readonly href: string }): ReactNode {
  const go = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    show(href);
  };
  return (
    <a {...others} href={href} onClick={go}>
      {children}
    </a>
  );
}
