import { useSignal } from '@preact/signals';
import { ApiRefused, whyRefused } from './http.ts';

/**
 * A change that somebody asks for with a button: one at a time, and why it was refused. `command` does the same
 * with the admin token, which the page does not have.
 */
export function useAction() {
  const busy = useSignal(false);
  const refused = useSignal('');
  const run = async (change: () => Promise<void>, command?: string): Promise<void> => {
    if (busy.value) return;
    busy.value = true;
    refused.value = '';
    try {
      await change();
    } catch (error) {
      refused.value =
        command !== undefined && error instanceof ApiRefused && [401, 403].includes(error.status)
          ? `This needs the admin token: use \`${command}\`.`
          : whyRefused(error, 'LiveMix did not answer. Nothing was changed.');
    } finally {
      busy.value = false;
    }
  };
  return { busy, refused, run };
}
