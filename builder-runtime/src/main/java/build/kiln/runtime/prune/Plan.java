package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a policy would do now: every digest that was looked at is kept or deleted, with a reason.
 *
 * @param policy its name
 * @param at when it was made
 * @param repositories by name
 * @param stop why nothing of it may be done; null if it may
 * @param warnings what a person should know of besides
 * @param grace how young something must be for the executor to leave it
 */
public record Plan(
    String policy,
    Instant at,
    List<RepositoryPlan> repositories,
    @Nullable Stop stop,
    List<Warning> warnings,
    Duration grace) {

  /** Why a plan is not carried out. */
  public record Stop(Cause cause, String message) {}

  /** Kinds of stops. */
  public enum Cause {
    /** Something that may refer to images could not be listed. */
    USE_UNKNOWN(false),
    /** The clock is behind what the ledger has seen. */
    CLOCK_BEHIND(false),
    /** More deletions than the policy's limit. */
    TOO_MANY(true),
    /** A larger part than the policy's limit. */
    TOO_LARGE_A_PART(true);

    private final boolean approvable;

    Cause(boolean approvable) {
      this.approvable = approvable;
    }

    /** Whether a person who has seen the plan may allow it. */
    public boolean approvable() {
      return approvable;
    }
  }

  public Plan {
    repositories = List.copyOf(repositories);
    warnings = List.copyOf(warnings);
  }

  /** How many digests were looked at. */
  public int examined() {
    return repositories.stream()
        .mapToInt(r -> r.kept().size() + (int) r.deletions().stream().filter(IS_MANIFEST).count())
        .sum();
  }

  private static final Predicate<Deletion> IS_MANIFEST = Deletion.OfManifest.class::isInstance;

  /** How many digests go. */
  public int deletedDigests() {
    return (int)
        repositories.stream().flatMap(r -> r.deletions().stream()).filter(IS_MANIFEST).count();
  }

  /** How many digests and single tags go. */
  public int deletions() {
    return repositories.stream().mapToInt(r -> r.deletions().size()).sum();
  }

  /** How many digests are kept, by reason. */
  public Map<Reason, Integer> keptByReason() {
    Map<Reason, Integer> counts = new TreeMap<>();
    repositories.forEach(
        r -> r.kept().forEach(k -> counts.merge(k.verdict().reason(), 1, Integer::sum)));
    return counts;
  }

  /** The bytes that a registry can free when all is deleted and its garbage collected, at most. */
  public long reclaimableBytes() {
    return new Reclaimed(this).all();
  }

  Plan stoppedBy(Stop why) {
    return new Plan(policy, at, repositories, why, warnings, grace);
  }

  /** With something more that a person should know of. */
  Plan warning(Warning more) {
    return new Plan(
        policy,
        at,
        repositories,
        stop,
        Stream.concat(warnings.stream(), Stream.of(more)).toList(),
        grace);
  }

  /** With other repositories, and nothing that stops it. */
  Plan with(List<RepositoryPlan> others) {
    return new Plan(policy, at, others, null, warnings, grace);
  }

  /**
   * Names what this plan deletes: the same deletions have the same hash, whenever they are planned.
   * An approval is of a hash.
   */
  public String hash() {
    MessageDigest sha256 = Digest.sha256();
    add(sha256, "kiln-prune-plan 1", policy);
    for (RepositoryPlan repository : repositories) {
      for (Deletion deletion : repository.deletions()) {
        switch (deletion) {
          case Deletion.OfTag t -> add(sha256, repository.name(), "tag", t.tag(), text(t));
          case Deletion.OfManifest m -> {
            add(sha256, repository.name(), "manifest", text(m));
            m.tags().forEach(tag -> add(sha256, tag));
          }
        }
      }
    }
    return HexFormat.of().formatHex(sha256.digest());
  }

  private static String text(Deletion deletion) {
    return deletion.digest().toString();
  }

  /** With a mark after each, which none of them can hold. */
  private static void add(MessageDigest hash, String... parts) {
    for (String part : parts) {
      hash.update(part.getBytes(StandardCharsets.UTF_8));
      hash.update((byte) 0);
    }
  }

  /** The plan for one repository. */
  public Optional<RepositoryPlan> repository(String name) {
    return repositories.stream().filter(r -> r.name().equals(name)).findFirst();
  }
}
