package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a tag or a digest.
 *
 * @param rule the policy's rule that says so, such as {@code registries[0].rules[1]}; empty if none
 *     does
 * @param detail for people, such as who uses it; may be empty
 * @param of the digest that it is a child or a referrer of, if that is the reason
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Verdict(Reason reason, String rule, String detail, @Nullable Digest of)
    implements Comparable<Verdict> {
  /** What the JSON leaves out is empty. */
  public Verdict {
    rule = Objects.requireNonNullElse(rule, "");
    detail = Objects.requireNonNullElse(detail, "");
  }

  Verdict(Reason reason, String rule, String detail) {
    this(reason, rule, detail, null);
  }

  static Verdict of(Reason reason, String detail) {
    return new Verdict(reason, "", detail, null);
  }

  static Verdict of(Reason reason, Digest related) {
    return new Verdict(reason, "", "", related);
  }

  boolean deletes() {
    return reason.deletes();
  }

  /** By the order of reasons, then by what they say: the first one counts. */
  @Override
  public int compareTo(Verdict other) {
    int byReason = reason.compareTo(other.reason);
    if (byReason != 0) {
      return byReason;
    }
    int byRule = rule.compareTo(other.rule);
    if (byRule != 0) {
      return byRule;
    }
    int byDetail = detail.compareTo(other.detail);
    return byDetail != 0 ? byDetail : String.valueOf(of).compareTo(String.valueOf(other.of));
  }
}
