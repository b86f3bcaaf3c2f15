import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { connection } from "next/server";
import type { ReactNode } from "react";
import { currentUser } from "../../server/session.ts";
import { users } from "../../server/users.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { ChevronIcon, Logo } from "../../ui/icons.tsx";
import { signIn } from "./actions.ts";
import style from "./sign-in.module.css";

export const metadata: Metadata = { title: "Sign in · Quill" };

/** Lets one choose among the demonstration's accounts; works without scripts. */
export default async function SignInPage(): Promise<ReactNode> {
  await connection();
  if ((await currentUser()) !== null) redirect("/");
  return (
    <main className={style["page"]}>
      <div className={style["card"]}>
        <Logo className={style["logo"]} />
        <h1>Sign in to Quill</h1>
        <p className={style["lead"]}>Choose one of the demonstration’s accounts. None has a password.</p>
        <form action={signIn}>
          <ul className={style["accounts"]}>
            {users.map((user) => (
              <li key={user.id}>
                <button className={style["account"]} name="user" value={user.id} type="submit">
                  <Avatar name={user.name} />
                  <span>
                    <span className={style["name"]}>{user.name}</span>
                    <span className={style["role"]}>{user.role}</span>
                  </span>
                  <ChevronIcon className={style["chevron"]} />
                </button>
              </li>
            ))}
          </ul>
        </form>
      </div>
    </main>
  );
}
