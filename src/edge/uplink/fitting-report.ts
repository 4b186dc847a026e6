import { MAX_MESSAGE_BYTES, type Report, sizeInMessage } from '../../wire/link-messages.ts';

/** A report as it fits a message: where every source of many is in trouble, only what kind of trouble is said. */
export function fittingReport(report: Report): Report {
  if (sizeInMessage(report) <= MAX_MESSAGE_BYTES) return report;
  const sources = report.sources.map(({ trouble, ...source }) => ({
    ...source,
    ...(trouble !== undefined && { trouble: { code: trouble.code, detail: '', hint: '' } }),
  }));
  return { ...report, sources };
}
