// Catches what breaks in a page, so that the frame and the way back stay.
import { Component, type ErrorInfo, type ReactNode } from "react";
import { texts } from "../text";
import { errorText } from "./error-note";

interface State {
  error: unknown;
}

export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return (
      <div className="p-notification--negative" role="alert">
        <div className="p-notification__content">
          <div className="p-notification__title">{texts.error.page}</div>
          <p className="p-notification__message">{texts.error.pageHelp}</p>
          <pre className="error-text">{errorText(this.state.error)}</pre>
          <button type="button" className="p-button" onClick={() => window.location.reload()}>
            {texts.error.again}
          </button>
        </div>
      </div>
    );
  }
}
