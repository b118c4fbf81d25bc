import type { TaskRegistry } from '../services.ts';
import { askService, type Service, type ServiceQuestion } from './ask-service.ts';

/**
 * A task registry over HTTP: `PATCH /tasks/{id}` with `status`, `POST /tasks/{id}/events` with `type` and `data`,
 * `POST /tasks/{id}/artifacts` with `type` and `uri`. What it answers does not matter.
 * @param signal  ends what is asked; default: nothing does
 */
export function httpTaskRegistry(service: Omit<Service, 'name'>, signal?: AbortSignal): TaskRegistry {
  const tell = async (question: Pick<ServiceQuestion, 'method' | 'path' | 'json'>) => {
    await askService({ ...service, name: 'task registry' }, { ...question, signal });
  };
  const at = (taskId: string) => `/tasks/${encodeURIComponent(taskId)}`;
  return {
    updateStatus: (taskId, status) => tell({ method: 'PATCH', path: at(taskId), json: { status } }),
    addEvent: (taskId, type, data) =>
      tell({ method: 'POST', path: `${at(taskId)}/events`, json: { type, data } }),
    addArtifact: (taskId, type, uri) =>
      tell({ method: 'POST', path: `${at(taskId)}/artifacts`, json: { type, uri } }),
  };
}
