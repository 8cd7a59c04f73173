"""The bridge: telephones on one side, events and plans on the other."""
