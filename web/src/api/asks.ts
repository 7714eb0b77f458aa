import { useQuery } from '@tanstack/react-query';
import { api, got } from './client';

// The questions that more than one page asks; what one page asks alone stands with the page.

/** useMe is who is signed in, and what they may. */
export function useMe() {
  return useQuery({ queryKey: ['me'], queryFn: () => got(api.GET('/api/v1/session')), staleTime: 60_000 });
}

/** useMay reports whether the one who is signed in has a right. */
export function useMay(right: string): boolean {
  return useMe().data?.rights?.includes(right) ?? false;
}

export function useSources() {
  return useQuery({
    queryKey: ['sources'],
    queryFn: () => got(api.GET('/api/v1/sources')),
    refetchInterval: 15_000,
  });
}

export function useCoverage() {
  return useQuery({
    queryKey: ['coverage'],
    queryFn: () => got(api.GET('/api/v1/coverage')),
    refetchInterval: 60_000,
  });
}

/** useNames lists those whom work can be assigned to. */
export function useNames(on = true) {
  return useQuery({
    queryKey: ['names'],
    queryFn: () => got(api.GET('/api/v1/people/names')),
    staleTime: 60_000,
    enabled: on,
  });
}

/** useVerdicts are the verdicts with the preset reasons of each. */
export function useVerdicts() {
  return useQuery({
    queryKey: ['verdicts'],
    queryFn: () => got(api.GET('/api/v1/verdicts')),
    staleTime: Number.POSITIVE_INFINITY,
  });
}
