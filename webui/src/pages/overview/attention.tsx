// What must be looked at, the worst first: failing schedules, late copies, warnings, and what nothing protects.
import type { ReactNode } from "react";
import { Link } from "react-router-dom";
import type { Protection } from "../../api/resources/protections";
import { useWarnings } from "../../api/resources/warnings";
import { Age, useNow } from "../../components/age";
import { useFullAccess } from "../../components/full-access";
import { inProject, instanceAddress, useProjectFilter } from "../../components/project";
import { texts } from "../../text";
import { addressOf, isOverdue, type SafetyState, type Subject } from "./safety";

const words = texts.overview;

interface Problem {
  key: string;
  tone: "negative" | "caution";
  /** A promise is broken: these come first. */
  isBroken?: boolean;
  title: string;
  text: string;
  lastGood?: string | null;
  address: string;
}

function scheduleProblems(subject: Subject, now: number): Problem[] {
  const { name } = subject;
  return subject.schedules
    .filter((each) => each.status === "failing" || isOverdue(each, now))
    .map((each): Problem => ({
      key: `${each.subject} ${each.label}`,
      tone: "negative",
      isBroken: true,
      title: each.status === "failing" ? words.failing(name, each.failures) : words.overdue(name),
      text: each.error,
      lastGood: each.last_success_at,
      address: addressOf(subject, "snapshots"),
    }));
}

function protectionProblems(protections: Protection[]): Problem[] {
  const address = inProject("/servers", "default");
  return protections.flatMap((protection) => {
    const { name, remote, copies, error } = protection;
    const ofCopies = copies
      .filter((copy) => copy.late || copy.error !== "" || copy.missing)
      .map((copy): Problem => {
        const title = copy.late ? words.lateCopy : copy.error !== "" ? words.failedCopy : words.missingSource;
        const isBad = copy.late || copy.error !== "";
        return {
          key: `${name} ${copy.instance}`,
          tone: isBad ? "negative" : "caution",
          isBroken: copy.late,
          title: title(copy.instance, remote),
          text: copy.error,
          lastGood: copy.succeeded_at,
          address: isBad ? address : instanceAddress(copy.instance, protection.target_project),
        };
      });
    const own: Problem[] =
      error === "" ? [] : [{ key: name, tone: "negative", title: words.failedProtection(name), text: error, address }];
    return [...own, ...ofCopies];
  });
}

const rankOf = ({ tone, isBroken = false }: Problem): number => (isBroken ? 0 : tone === "negative" ? 1 : 2);

interface AttentionProps {
  subjects: Subject[];
  protections: Protection[];
  /** Show those that stand so in the table below. */
  onShow: (state: SafetyState) => void;
}

export function Attention({ subjects, protections, onShow }: AttentionProps) {
  const now = useNow();
  const project = useProjectFilter();
  const isFull = useFullAccess();
  const warnings = useWarnings(project, isFull);
  const open = warnings.data?.filter((each) => each.status === "new") ?? [];
  const unprotected = subjects.filter((each) => each.state === "unprotected").length;
  const problems = [
    ...subjects.flatMap((subject) => scheduleProblems(subject, now)),
    ...protectionProblems(protections),
  ].sort((a, b) => rankOf(a) - rankOf(b));
  const isWell = problems.length === 0 && open.length === 0;
  return (
    <section aria-labelledby="attention">
      <h2 className="p-heading--4" id="attention">
        {words.attention}
      </h2>
      <ul className="attention">
        {problems.map((problem) => (
          <ProblemItem key={problem.key} problem={problem} />
        ))}
        {open.length > 0 && (
          <Item tone="caution">
            <Link to={inProject("/warnings", project)}>{words.warnings(open.length)}</Link>
            <div className="u-text--muted">{[...new Set(open.map((each) => each.type))].join(", ")}</div>
          </Item>
        )}
        {isWell && subjects.length > 0 && <Item tone="positive">{isFull ? words.allWell : words.schedulesWell}</Item>}
        {unprotected > 0 && (
          <Item tone="information">
            {words.unprotected(unprotected)}{" "}
            <button type="button" className="p-button--link" onClick={() => onShow("unprotected")}>
              {words.showThem}
            </button>
          </Item>
        )}
      </ul>
    </section>
  );
}

function ProblemItem({ problem }: { problem: Problem }) {
  return (
    <Item tone={problem.tone}>
      <Link to={problem.address}>{problem.title}</Link>
      {problem.text !== "" && <div className="error-text">{problem.text}</div>}
      {problem.lastGood !== undefined && (
        <div className="u-text--muted">
          {words.lastGood}: <Age time={problem.lastGood} />
        </div>
      )}
    </Item>
  );
}

function Item({ tone, children }: { tone: string; children: ReactNode }) {
  return <li className={`attention__item attention__item--${tone}`}>{children}</li>;
}
