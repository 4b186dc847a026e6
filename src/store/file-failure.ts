import { StoreFailed } from './object-store.ts';

const reasons: Readonly<Record<string, StoreFailed['reason']>> = {
  ...{ ENOSPC: 'full', EDQUOT: 'full', EFBIG: 'full' },
  ...{ EACCES: 'denied', EPERM: 'denied', EROFS: 'denied' },
  ...{ EMFILE: 'slow_down', ENFILE: 'slow_down' },
  ...{ ESTALE: 'unreachable', ETIMEDOUT: 'unreachable', EHOSTDOWN: 'unreachable', ENOTCONN: 'unreachable' },
};

/** A task of the file system, whose errors become `StoreFailed`. Any other error stays what it is. */
export const onDisk = <T>(task: Promise<T>): Promise<T> =>
  task.catch((error: unknown) => {
    throw fileFailure(error);
  });

function fileFailure(error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  return new StoreFailed(reasons[code] ?? 'broken', message, { cause: error });
}

/** Whether an error says that there is no such file: it, or a folder above it, is missing or of another kind. */
export const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '');

/** The value, or undefined where there is no such file. */
export const unlessAbsent = <T>(task: Promise<T>): Promise<T | undefined> =>
  task.catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
