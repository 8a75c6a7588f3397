// Tabs that are links: each has an address of its own.
import { useEffect, useRef } from "react";
import { NavLink, useLocation } from "react-router-dom";

export interface Tab {
  label: string;
  to: string;
  /** Whether only this very address counts, not those below it. */
  isExact?: boolean;
}

interface TabsProps {
  label: string;
  tabs: Tab[];
  /** Within a page that has tabs already. */
  isMinor?: boolean;
}

/** The browser leaves a tab that has the focus half out of sight. */
const showWhole = (event: React.FocusEvent) => event.currentTarget.scrollIntoView({ block: "nearest", inline: "nearest" });

export function Tabs({ label, tabs, isMinor = false }: TabsProps) {
  const list = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // On a phone not all have room: the one that is open must be in sight.
  useEffect(() => {
    list.current?.querySelector(".active")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [pathname]);
  return (
    <nav ref={list} className={isMinor ? "tabs tabs--minor" : "tabs"} aria-label={label}>
      <ul className="tabs__list">
        {tabs.map((tab) => (
          <li key={tab.label}>
            <NavLink className="tabs__link" to={tab.to} end={tab.isExact ?? false} onFocus={showWhole}>
              {tab.label}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
