// Starts the page: theme, cache, events, routes.
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router-dom";
import { queryClient } from "./api/query-client";
import { App } from "./app";
import { applyTheme } from "./components/theme";
import "./style.scss";

applyTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element for the page");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <BrowserRouter basename="/ui" future={{ v7_startTransition: true, v7_relativeSplatPath: true }}>
        <App />
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
