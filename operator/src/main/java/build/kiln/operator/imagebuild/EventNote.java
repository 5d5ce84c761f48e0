package build.kiln.operator.imagebuild;

/** What a cluster's event says: the Job controller and kubelet tell some failures nowhere else. */
record EventNote(String reason, String message) {}
