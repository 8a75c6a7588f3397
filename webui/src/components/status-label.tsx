// A state as a word with a colour: the word says it all, the colour helps.

type Tone = "positive" | "caution" | "negative" | "information" | "neutral";

const TONES: Record<string, Tone> = {
  Running: "positive",
  Ready: "positive",
  Success: "positive",
  Created: "positive",
  ok: "positive",
  Frozen: "information",
  Pending: "information",
  waiting: "information",
  Error: "negative",
  Unavailable: "negative",
  Failure: "negative",
  failing: "negative",
  late: "negative",
  Cancelled: "caution",
  Cancelling: "caution",
  Stopping: "caution",
};

export function StatusLabel({ status, tone }: { status: string; tone?: Tone }) {
  const shown = tone ?? TONES[status] ?? "neutral";
  return <span className={`status status--${shown}`}>{status}</span>;
}
