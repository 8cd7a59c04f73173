"""What every process of the desk, web or telephone, does alike as a service. Standard library only."""
