/** auditSource is the source by which Tocsin's own audit log comes into the lake. */
export const auditSource = 'tocsin-audit';

/** others lets through what is not Tocsin's own. */
export const others = `source_id IS DISTINCT FROM '${auditSource}'`;

/** within leaves Tocsin's own audit events out of a condition, unless they are asked for: by own, or by their name in it. */
export function within(condition: string, own: boolean): string {
  const c = condition.trim();
  if (own || c.includes(auditSource)) return c || 'true';
  return c && c !== 'true' ? `(${c}\n) AND ${others}` : others;
}
