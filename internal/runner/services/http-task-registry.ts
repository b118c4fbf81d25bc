import type { TaskRegistry } from '../services.ts';
import { askService, type Service, type ServiceQuestion } from './ask-service.ts';

/**
 * A task registry over HTTP: `PATCH /tasks/{id}` with `status`, `POST /tasks/{id}/events` with `type` and `data`,
 * `POST /tasks/{id}/artifacts` with `type` and `uri`. What it answers does not matter.
 *
 * While it is away events and artifacts are tried once, so that a task does not wait for it again and again; a status is
 * always worth the wait.
 */
export function httpTaskRegistry(service: Omit<Service, 'name'>): TaskRegistry {
  let isAway = false;
  const tell = async (question: Pick<ServiceQuestion, 'method' | 'path' | 'json'>, retries: number) => {
    const name = 'task registry';
    try {
      await askService({ ...service, name, retries: isAway ? retries : service.retries }, question);
      isAway = false;
    } catch (error) {
      isAway = true;
      throw error;
    }
  };
  const at = (taskId: string) => `/tasks/${encodeURIComponent(taskId)}`;
  return {
    updateStatus: (taskId, status) =>
      tell({ method: 'PATCH', path: at(taskId), json: { status } }, service.retries),
    addEvent: (taskId, type, data) =>
      tell({ method: 'POST', path: `${at(taskId)}/events`, json: { type, data } }, 0),
    addArtifact: (taskId, type, uri) =>
      tell({ method: 'POST', path: `${at(taskId)}/artifacts`, json: { type, uri } }, 0),
  };
}
