import type { ReactNode } from "react";
import style from "./avatar.module.css";

/** A user's initials. */
export function Avatar({ name }: { readonly name: string }): ReactNode {
  const initials = name
    .split(" ")
    .map((word) => word[0])
    .join("");
  return (
    <span className={style["avatar"]} aria-hidden="true">
      {initials}
    </span>
  );
}
