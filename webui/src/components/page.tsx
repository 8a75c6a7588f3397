// The frame of a page: its heading, its actions, and the title of the browser's tab.
import { useEffect, type ReactNode } from "react";
import { texts } from "../text";

interface PageProps {
  title: string;
  /** What stands instead of the plain title, such as a name with its state. */
  heading?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, heading, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${texts.product}`;
  }, [title]);
  return (
    <>
      <header className="page-header">
        <h1 className="p-heading--3">{heading ?? title}</h1>
        {actions !== undefined && <div className="page-header__actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}
