import { useQuery } from '@tanstack/react-query';
import { api, got, type Schemas } from '../api/client';

export type Case = Schemas['Case'];
export type AlertCase = Schemas['AlertCase'];
export type Card = Schemas['Card'];

export function useCase(uid: string) {
  return useQuery({
    queryKey: ['incidents', 'one', uid],
    queryFn: () => got(api.GET('/api/v1/incidents/{uid}', { params: { path: { uid }, query: { brief: true } } })),
  });
}

export function useAlert(uid: string) {
  return useQuery({
    queryKey: ['alerts', 'one', uid],
    queryFn: () => got(api.GET('/api/v1/alerts/{uid}', { params: { path: { uid } } })),
  });
}
