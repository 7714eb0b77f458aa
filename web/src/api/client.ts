import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** Fault is an answer that is none, in the server's own words. */
export class Fault extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const api = createClient<paths>({ baseUrl: '/' });

/** got returns what an answer holds, or throws its Fault; whoever is not signed in is led to the door and back. */
export async function got<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked.catch(() => {
    throw new Fault(0, 'Tocsin does not answer: look whether it runs, then try again');
  });
  if (response.ok) return data as T;
  if (response.status === 401 && !['/sign-in', '/accept'].includes(location.pathname)) {
    location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const detail = (error as { detail?: string } | undefined)?.detail;
  throw new Fault(response.status, detail ?? `Tocsin answered ${response.status}`);
}
