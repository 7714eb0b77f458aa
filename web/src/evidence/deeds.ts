import { api, Fault, got, type Schemas } from '../api/client';
import { known } from '../ui/format';

export type EvidenceSet = Schemas['Set'];

/** Deed is what one can do with a set. */
export type Deed = 'verify' | 'zip' | 'html' | 'hold' | 'release' | 'delete';

/** deedsFor are the deeds that a set allows to who has some rights. All but a verification want a reason. */
export function deedsFor(s: Pick<EvidenceSet, 'held_at' | 'deleted_at'>, rights: readonly string[]): Deed[] {
  if (known(s.deleted_at)) return [];
  const out: Deed[] = [];
  if (rights.includes('triage')) out.push('verify', 'zip', 'html');
  if (known(s.held_at)) {
    if (rights.includes('govern')) out.push('release');
  } else {
    if (rights.includes('triage')) out.push('hold');
    if (rights.includes('govern')) out.push('delete');
  }
  return out;
}

/** fileName takes of a Content-Disposition the name to save by: letters that no file system minds, or the other name. */
export function fileName(disposition: string | null, other: string): string {
  const said = /filename="([^"]*)"/.exec(disposition ?? '')?.[1] ?? '';
  const name = said.replace(/[^\w.-]/g, '_').replace(/^\.+/, '');
  return name || other;
}

/** exported asks for a set as a file and hands it to the browser to save. */
export async function exported(uid: string, format: 'zip' | 'html', why: string): Promise<string> {
  const asked = await api
    .POST('/api/v1/evidence/{uid}/export', { params: { path: { uid } }, body: { format, why }, parseAs: 'blob' })
    .catch(() => {
      throw new Fault(0, 'Tocsin does not answer: look whether it runs, then try again');
    });
  const blob = (await got(Promise.resolve(asked))) as unknown as Blob;
  const name = fileName(asked.response.headers.get('Content-Disposition'), `evidence.${format}`);
  const a = document.createElement('a');
  a.href = URL.createObjectURL(blob);
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 60_000); // once the browser has it
  return name;
}

/** done carries out a deed, and returns what to say of it. */
export async function done(deed: Deed, uid: string, why: string): Promise<string | Schemas['Report']> {
  const asked = { params: { path: { uid } } };
  switch (deed) {
    case 'verify':
      return got(api.POST('/api/v1/evidence/{uid}/verify', asked));
    case 'zip':
    case 'html':
      return `Saved as ${await exported(uid, deed, why)}`;
    case 'hold':
      await got(api.POST('/api/v1/evidence/{uid}/hold', { ...asked, body: { why } }));
      return 'On legal hold: nobody can delete it';
    case 'release':
      await got(api.POST('/api/v1/evidence/{uid}/release', { ...asked, body: { why } }));
      return 'The hold has ended';
    case 'delete':
      await got(api.POST('/api/v1/evidence/{uid}/delete', { ...asked, body: { why } }));
      return 'Its bytes are let go of; what it was, and who deleted it, stays';
  }
}
