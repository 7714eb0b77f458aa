import { api, got } from '../api/client';
import { bytes } from '../ui/format';

/** largest is what one file may hold, as the server has it. */
export const largest = 64 * 1024 * 1024;

/** Staged is a file that waits for its reason. */
export interface Staged {
  file: File;
  kind: 'file' | 'screenshot';
  name: string;
}

/** staged takes files as they come from a drop, the clipboard or a choice. A picture from the clipboard has no name of its own. */
export function staged(files: Iterable<File>, pasted: boolean, now: Date): Staged[] {
  return [...files].map((file) => {
    const picture = /^image\/(png|jpeg|webp|gif)$/.test(file.type);
    const nameless = pasted && /^image\.\w+$/.test(file.name);
    const stamp = now
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
      .replaceAll(':', '.');
    return {
      file,
      kind: picture ? 'screenshot' : 'file',
      name: (nameless ? `screenshot ${stamp}.${file.type.split('/')[1]}` : file.name || 'nameless').slice(0, 1000),
    };
  });
}

/** refused says in a sentence why a file cannot be added; undefined where it can. */
export function refused(s: Staged): string | undefined {
  if (s.file.size === 0) return 'It is empty.';
  if (s.file.size > largest)
    return `It has ${bytes(s.file.size)}, and a file has at most ${bytes(largest)}: split it, or keep it elsewhere and add a file with its SHA-256.`;
  return undefined;
}

/** add sends one file into a set. */
export async function add(set: string, s: Staged, why: string) {
  await got(
    api.POST('/api/v1/evidence/{uid}/files', {
      params: {
        path: { uid: set },
        query: { name: s.name, kind: s.kind, why, media: s.file.type.slice(0, 200) || undefined },
      },
      headers: { 'Content-Type': 'application/octet-stream' },
      body: s.file as unknown as string,
      bodySerializer: (b: unknown) => b as BodyInit,
    }),
  );
}
