import { describe, test } from 'vitest';
import { canRunPods } from '../../pkg/kubernetes/double/can-run-pods.ts';
import { executorContract } from './executor-contract.ts';
import { kubernetesPlace } from './kubernetes-place.ts';

if (canRunPods) {
  executorContract('the Kubernetes executor', () => kubernetesPlace());
} else {
  describe('the Kubernetes executor', () => {
    test.skip('needs name spaces of its own (unshare) for the pods of the double', () => {});
  });
}
