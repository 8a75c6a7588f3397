// Long work: what runs, what has ended.
export const operations = {
  intro: "Long work on the server. It goes on when the page is closed; what has ended is listed as long as this page is open.",
  what: "What",
  about: "About",
  progress: "Progress",
  began: "Began",
  took: "Took",
  empty: "Nothing runs, and nothing has run since this page was opened.",
  running: "Running",
  ended: "Ended",
  nothingRuns: "Nothing runs.",
  nothingEnded: "Nothing has ended since this page was opened.",
  stop: "Stop",
  stopOf: (what: string) => `Stop: ${what}`,
  stopped: (what: string) => `Stopped: ${what}`,
  fixed: "can't be stopped",
  forget: "Clear the list",
};
