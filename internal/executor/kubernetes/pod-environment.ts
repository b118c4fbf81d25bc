import { containerEnvironment, environmentText } from '../shim/container-environment.ts';

/** Stands where the image's own PATH comes to stand, which only the pod knows. */
const placeholder = '/the-path-of-the-image';
/** What is set in every pod, besides what the image sets. */
const ofPods = ['HOSTNAME', 'HOME', 'PATH', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'];

/**
 * The environment of a run as shell text, with the image's PATH behind the run's own folders. @see containerEnvironment
 */
export function podEnvironmentText(parts: {
  readonly env: Readonly<Record<string, string>>;
  readonly inherited: Readonly<Record<string, string | undefined>>;
}): string {
  const image = [`PATH=${placeholder}`, ...ofPods.map((name) => `${name}=`)];
  const text = environmentText(containerEnvironment({ ...parts, image }));
  // inside single quotes
  return text.replaceAll(placeholder, `'"$k_image_path"'`);
}
