import { expect, test } from 'vitest';
import { routes } from '../../../internal/server/routes.ts';
import { mutations } from '../../faults/lab/mutating-routes.ts';
import { workflowMutations } from '../../faults/lab/mutating-workflows.ts';

/** As the OpenAPI document has it. */
const named = (path: string) => path.replace('/api/v1', '').replace(/:(\w+)/g, '{$1}');

test('every route that changes something is among those whose repetition the fault rows look at', () => {
  const changing = routes
    .filter(({ method }) => ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method))
    .map(({ method, path }) => `${method} ${named(path)}`);
  expect(Object.keys({ ...mutations, ...workflowMutations }).toSorted()).toEqual(
    [...new Set(changing)].toSorted(),
  );
});
