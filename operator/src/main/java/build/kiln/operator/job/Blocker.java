package build.kiln.operator.job;

import build.kiln.api.v1alpha1.FailureReason;

/** Why a pod does not run; it goes on by itself when that passes. */
public record Blocker(FailureReason reason, String message) {}
