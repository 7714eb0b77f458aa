import type { Schemas } from '../api/client';
import { toSigma } from '../search/words';

export type Hunt = Schemas['HuntFile'];

/** nameOf makes of a title the name that a hunt is kept by: small letters, digits and -, at most 64. */
export function nameOf(title: string): string {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 64)
    .replace(/-+$/, '');
}

/** asked is the query of a hunt and the language that it is in. */
export function asked(q: Hunt['query']): { language: 'SQL' | 'filter' | 'Sigma'; text: string } {
  if (q.sql) return { language: 'SQL', text: q.sql };
  if (q.sigma) return { language: 'Sigma', text: q.sigma };
  return { language: 'filter', text: q.filter ?? '' };
}

/** inSearch is the address's words for the same question on the search page; a Sigma rule cannot be asked there. */
export function inSearch(q: Hunt['query']): { filter: string } | { sql: string } | undefined {
  if (q.sql) return { sql: q.sql };
  if (q.filter) return { filter: q.filter };
  return undefined;
}

interface Words {
  filter?: string;
  sql?: string;
  from?: string;
}

/** toKeep are the words of the address that begin a hunt with what a search asked; a span is kept where it goes back from now. */
export function toKeep({ filter, sql, from }: Words): { make: string; filter?: string; sql?: string; span?: string } {
  return {
    make: '1',
    ...(sql ? { sql } : { filter: filter || 'true' }),
    ...(from && /^\d+[hd]$/.test(from) && { span: from }),
  };
}

/**
 * toRule are the words that begin a rule with what a search asked: a hunt by Sigma, whose detection the rule takes over, where the filter can
 * be said so; else by the filter as it was, of whose hits the draft takes what they have in common.
 */
export function toRule({ filter, whole, sql, from }: Words & { whole: string }): ReturnType<typeof toKeep> & {
  sigma?: string;
  draft: string;
} {
  if (sql) return { ...toKeep({ sql, from }), draft: '1' };
  const { text } = toSigma(filter ?? '');
  const { filter: kept, ...rest } = toKeep({ filter: whole, from });
  return { ...rest, ...(text ? { sigma: text } : { filter: kept }), draft: '1' };
}
