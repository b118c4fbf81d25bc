import type { Document } from '../../../fixtures/schemas/make-check.ts';

/** The smallest job that a test makes. @param script  what its pod runs under sh */
export function jobBody(name: string, script: string, namespace = 'work'): Document {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace, labels: { test: 'yes' } },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels: { test: 'yes' } },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 0,
          volumes: [],
          containers: [
            {
              name: 'script',
              image: 'debian',
              workingDir: '/',
              command: ['sh', '-c', script],
              volumeMounts: [],
            },
          ],
        },
      },
    },
  };
}
