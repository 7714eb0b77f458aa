import type { Schemas } from '../api/client';

export type Role = Schemas['RoleAndAccounts']['role'];

const does: Record<Role, string> = {
  viewer: 'reads',
  analyst: 'reads and judges',
  responder: 'judges, and acts on what is watched',
  engineer: 'judges, and tends sources and rules',
  admin: 'all, people too',
};

/** roleChoices are the roles, each with what it may. */
export const roleChoices = (Object.keys(does) as Role[]).map((r) => ({ value: r, label: `${r}: ${does[r]}` }));

/** accountsOf reads what a person typed as accounts: nothing is all. */
export function accountsOf(text: FormDataEntryValue | null): string[] {
  const list = String(text ?? '')
    .split(/[\s,]+/)
    .filter(Boolean);
  return list.length > 0 ? list : ['*'];
}

/** allOr says accounts, with a word for all of them. */
export function allOr(accounts: readonly string[] | null | undefined, all = 'all'): string {
  return accounts?.includes('*') ? all : (accounts ?? []).join(', ');
}
