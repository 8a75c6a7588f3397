// The frame of the tab Configuration, of instances and of volumes: snapshots, all keys, and the YAML.
import type { ReactNode } from "react";
import { Route, Routes } from "react-router-dom";
import { texts } from "../../text";
import { placeAddress, type Place } from "../places";
import { Tabs } from "../tabs";

const words = texts.configuration;

interface ConfigTabsProps {
  place: Place;
  snapshots: ReactNode;
  all: ReactNode;
  yaml: ReactNode;
}

export function ConfigTabs({ place, snapshots, all, yaml }: ConfigTabsProps) {
  return (
    <>
      <Tabs
        label={words.sections}
        isMinor
        tabs={[
          { label: words.snapshots, to: placeAddress(place, "configuration"), isExact: true },
          { label: words.all, to: placeAddress(place, "configuration/all") },
          { label: words.yaml, to: placeAddress(place, "configuration/yaml") },
        ]}
      />
      <Routes>
        <Route index element={snapshots} />
        <Route path="all" element={all} />
        <Route path="yaml" element={yaml} />
      </Routes>
    </>
  );
}
