"""The desk's common code; its folders stand in the order of the flow."""
