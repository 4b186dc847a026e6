import { runLiveMix } from './livemix.ts';

// The S3 client warns on every start of an older Node, which is not for an operator to read.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

runLiveMix(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exit(70);
  },
);
