package build.kiln.operator.job;

import build.kiln.api.v1alpha1.FailureReason;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The no of an API server to something that a run needs made: by a quota, a policy or a webhook.
 *
 * @param words of whoever refuses
 */
public record Refusal(String words) {
  /** Bad request, forbidden, invalid: the fault of what was sent. Any other is the server's. */
  private static final Set<Integer> CODES = Set.of(400, 403, 422);

  /** What RBAC says: it is the operator that may not, whatever it sends. */
  private static final Pattern NO_RIGHT = Pattern.compile("cannot [a-z]+ resource ");

  /** The refusal in an error; empty if it is another one. */
  public static Optional<Refusal> of(KubernetesClientException e) {
    var words =
        e.getStatus() != null && e.getStatus().getMessage() != null
            ? e.getStatus().getMessage()
            : String.valueOf(e.getMessage());
    return CODES.contains(e.getCode()) && !NO_RIGHT.matcher(words).find()
        ? Optional.of(new Refusal(words))
        : Optional.empty();
  }

  /** Whether there is no room, rather than something wrong. */
  public boolean byQuota() {
    return words.contains("exceeded quota");
  }

  /**
   * What keeps a Job from being made.
   *
   * @param whose the Job is, such as "the build"
   */
  public Blocker blocker(String whose) {
    return byQuota()
        ? new Blocker(
            FailureReason.QuotaExceeded,
            "a quota of the namespace forbids %s's Job: %s. It is tried again until there is room; or delete finished Jobs, lower spec.history, or have the quota raised"
                .formatted(whose, words))
        : new Blocker(
            FailureReason.PodRefused,
            "%s's Job is refused: %s. Change podTemplate, or the policy; it is tried again"
                .formatted(whose, words));
  }
}
