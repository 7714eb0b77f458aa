/** count is a number with separators. */
export function count(n: number): string {
  return n.toLocaleString('en');
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** bytes is a size in IEC units. */
export function bytes(n: number): string {
  let i = 0;
  let size = n;
  while (size >= 1024 && i < units.length - 1) {
    size /= 1024;
    i++;
  }
  return `${i === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[i]}`;
}

/** span is a length of time in seconds, in its two largest units. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return two(s, 60, 'min', 1, 's');
  if (s < 86_400) return two(s, 3600, 'h', 60, 'min');
  return two(s, 86_400, 'd', 3600, 'h');
}

function two(s: number, large: number, name: string, small: number, smallName: string): string {
  const rest = Math.floor((s % large) / small);
  return `${Math.floor(s / large)} ${name}${rest > 0 ? ` ${rest} ${smallName}` : ''}`;
}

/** known reports whether a time of the API says something: the year 1 stands for "not yet". */
export function known(at?: string | null): at is string {
  return !!at && !at.startsWith('0001');
}

/** ago is how long a time is past, as in "3 min ago". */
export function ago(at: string, now: number): string {
  const seconds = (now - Date.parse(at)) / 1000;
  if (seconds < -5) return `in ${coarse(-seconds)}`;
  return seconds < 5 ? 'just now' : `${coarse(seconds)} ago`;
}

/** coarse is a length of time in its largest unit. */
export function coarse(seconds: number): string {
  const parts = span(seconds).split(' ');
  return `${parts[0]} ${parts[1]}`;
}

/** plain turns a word of the API, as in_progress, into words. */
export function plain(word: string): string {
  return word.replaceAll('_', ' ').replaceAll('-', ' ');
}
