// The frame around all pages: navigation, whether the page is live, what runs, and notes.
import { Suspense, useEffect, useRef, useState } from "react";
import { Link, NavLink, Outlet, useLocation, useNavigate } from "react-router-dom";
import { useConnection } from "../api/events";
import { isRunning, useOperations } from "../api/operations";
import { useProjectNames } from "../api/resources/server";
import { texts } from "../text";
import { ErrorBoundary } from "./error-boundary";
import { Loading } from "./loaded";
import { ALL_PROJECTS, DEFAULT_PROJECT, inProject, useProjectFilter } from "./project";
import { SessionMenu } from "./session-menu";
import { Toasts } from "./toasts";
import { UploadTray } from "./upload-tray";

interface Entry {
  to: string;
  label: string;
  isExact?: boolean;
}

const GROUPS: { title: string; entries: Entry[] }[] = [
  {
    title: texts.layout.safety,
    entries: [
      { to: "/", label: texts.nav.overview, isExact: true },
      { to: "/warnings", label: texts.nav.warnings },
      { to: "/operations", label: texts.nav.operations },
      { to: "/servers", label: texts.nav.servers },
    ],
  },
  {
    title: texts.layout.things,
    entries: [
      { to: "/instances", label: texts.nav.instances },
      { to: "/volumes", label: texts.nav.volumes },
      { to: "/images", label: texts.nav.images },
      { to: "/pools", label: texts.nav.pools },
      { to: "/profiles", label: texts.nav.profiles },
    ],
  },
  {
    title: texts.layout.server,
    entries: [
      { to: "/projects", label: texts.nav.projects },
      { to: "/settings", label: texts.nav.settings },
    ],
  },
];

export function Layout() {
  const [isMenuOpen, setMenuOpen] = useState(false);
  const { pathname } = useLocation();
  useEffect(() => setMenuOpen(false), [pathname]);
  return (
    <div className="app">
      <a className="skip-link" href="#main">
        {texts.layout.skip}
      </a>
      <aside className={isMenuOpen ? "app__side is-open" : "app__side"}>
        <div className="app__brand">
          <Link to="/" className="brand">
            {texts.product}
          </Link>
          <button
            type="button"
            className="p-button app__menu-button"
            aria-expanded={isMenuOpen}
            aria-controls="navigation"
            onClick={() => setMenuOpen(!isMenuOpen)}
          >
            {texts.layout.openMenu}
          </button>
        </div>
        <div className="app__drawer" id="navigation">
          <ProjectChoice />
          <Navigation />
          <div className="app__side-end">
            <UploadTray />
            <RunningLink />
            <SessionMenu />
          </div>
        </div>
      </aside>
      <MainArea />
      <Toasts />
    </div>
  );
}

function MainArea() {
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const before = useRef(pathname);
  useEffect(() => {
    main.current?.scrollTo(0, 0);
    // What led here is gone together with its page: go on in this one.
    const isLost = document.activeElement === document.body && before.current !== pathname;
    if (isLost) main.current?.focus({ preventScroll: true });
    before.current = pathname;
  }, [pathname]);
  return (
    <main className="app__main" id="main" ref={main} tabIndex={-1}>
      <ConnectionNote />
      <ErrorBoundary key={pathname}>
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </ErrorBoundary>
    </main>
  );
}

function Navigation() {
  const project = useProjectFilter();
  return (
    <nav aria-label={texts.layout.navigation}>
      {GROUPS.map((group) => (
        <div className="side-group" key={group.title}>
          <div className="side-group__title">{group.title}</div>
          <ul className="side-group__list" aria-label={group.title}>
            {group.entries.map((entry) => (
              <li key={entry.to}>
                <NavLink className="side-link" to={inProject(entry.to, project)} end={entry.isExact ?? false}>
                  {entry.label}
                </NavLink>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function ProjectChoice() {
  const projects = useProjectNames();
  const chosen = useProjectFilter();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const names = [...(projects.data ?? [DEFAULT_PROJECT])];
  if (chosen !== undefined && !names.includes(chosen)) names.push(chosen);
  const choose = (name: string) => {
    const [, area = ""] = pathname.split("/");
    navigate(inProject(`/${area}`, name === ALL_PROJECTS ? undefined : name));
  };
  return (
    <label className="side-field">
      <span>{texts.project}</span>
      <select value={chosen ?? ALL_PROJECTS} onChange={(event) => choose(event.target.value)}>
        <option value={ALL_PROJECTS}>{texts.layout.allProjects}</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function RunningLink() {
  const count = useOperations().filter(isRunning).length;
  return (
    <div role="status">
      {count > 0 && (
        <Link to="/operations" className="running-link">
          <i className="p-icon--spinner u-animation--spin" /> {texts.operation.tray(count)}
        </Link>
      )}
    </div>
  );
}

function ConnectionNote() {
  const connection = useConnection();
  if (connection !== "lost") return null;
  return (
    <div className="p-notification--caution" role="alert">
      <div className="p-notification__content">
        <p className="p-notification__message">{texts.layout.lost}</p>
      </div>
    </div>
  );
}
