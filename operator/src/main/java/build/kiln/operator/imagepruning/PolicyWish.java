package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.operator.job.Hashes;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Wish;
import org.jspecify.annotations.Nullable;

/** A user's wish for a run: to prune now, or to carry out a plan. Either starts one. */
final class PolicyWish {
  private PolicyWish() {}

  /** What is compared and kept; null if there is no wish. */
  static @Nullable String of(ImagePrunePolicy policy) {
    var prune = Labels.annotation(policy, ImagePrunePolicy.PRUNE_ANNOTATION);
    var approve = Labels.annotation(policy, ImagePrunePolicy.APPROVE_ANNOTATION);
    if (prune == null && approve == null) {
      return null;
    }
    String both = (prune == null ? "" : prune) + (approve == null ? "" : " approve=" + approve);
    return both.length() <= Wish.LONGEST ? both : "sha256:" + Hashes.sha256(both, Hashes.WHOLE);
  }
}
