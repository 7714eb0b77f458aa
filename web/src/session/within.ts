/** within keeps an address that somebody may have forged inside this server: a path of ours, else home. */
export function within(to: string | null): string {
  return to && /^\/(?![/\\])/.test(to) && ![...to].some((c) => c < ' ') ? to : '/';
}
