/** Who may sign in. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** Whether this user may tell everybody something. */
  readonly isOperator: boolean;
}

/** The demonstration's accounts. They have no passwords; a real application asks its identity provider. */
export const users: readonly User[] = [
  { id: "ada", name: "Ada Osei", role: "Support", isOperator: false },
  { id: "grace", name: "Grace Lind", role: "Operations", isOperator: true },
  { id: "mateo", name: "Mateo Ibarra", role: "Engineering", isOperator: false },
];

/** The user with this id, or null. */
export function findUser(id: string): User | null {
  return users.find((user) => user.id === id) ?? null;
}
