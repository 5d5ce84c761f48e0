package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.prune.Plan.Stop;
import build.kiln.runtime.prune.PruneException.Code;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A plan as a file in JSON. Its hash is written with it and compared when it is read: a plan that
 * was edited is none.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
@JsonPropertyOrder({"apiVersion", "kind", "policy", "at", "grace", "hash"})
public record PlanFile(
    String apiVersion,
    String kind,
    String policy,
    String at,
    String grace,
    String hash,
    int examined,
    int deletions,
    Map<Reason, Integer> keptByReason,
    long reclaimableBytes,
    @Nullable Stop stop,
    @Nullable List<Warning> warnings,
    List<RepositoryPlan> repositories,
    @Nullable PlanInput input) {
  private static final String VERSION = "prune.kiln.build/v1";
  private static final String KIND = "PrunePlan";

  public static PlanFile of(Plan plan) {
    return new PlanFile(
        VERSION,
        KIND,
        plan.policy(),
        plan.at().toString(),
        plan.grace().toString(),
        plan.hash(),
        plan.examined(),
        plan.deletions(),
        plan.keptByReason(),
        plan.reclaimableBytes(),
        plan.stop(),
        plan.warnings().isEmpty() ? null : plan.warnings(),
        plan.repositories(),
        null);
  }

  /** With what it was made of, which carrying it out needs. */
  public PlanFile madeOf(PlanInput what) {
    return with(repositories, what);
  }

  /** With what goes alone, which is what its hash is of; the counts are those of all. */
  PlanFile withoutKept() {
    return with(repositories.stream().map(RepositoryPlan::withoutKept).toList(), input);
  }

  private PlanFile with(List<RepositoryPlan> others, @Nullable PlanInput what) {
    return new PlanFile(
        apiVersion,
        kind,
        policy,
        at,
        grace,
        hash,
        examined,
        deletions,
        keptByReason,
        reclaimableBytes,
        stop,
        warnings,
        others,
        what);
  }

  /** The plan that it says. */
  public Plan toPlan() {
    return new Plan(
        policy,
        Instant.parse(at),
        repositories,
        stop,
        warnings == null ? List.of() : warnings,
        Duration.parse(grace));
  }

  /** As JSON. */
  public byte[] write() {
    return Json.write(this);
  }

  /**
   * Reads a plan.
   *
   * @param name the file's, for messages
   * @throws PruneException INPUT_INVALID if it is none, or not as it was written
   */
  public static PlanFile read(String name, byte[] bytes) throws PruneException {
    try {
      PlanFile file = Json.read(bytes, PlanFile.class, name);
      if (!VERSION.equals(file.apiVersion) || !KIND.equals(file.kind)) {
        throw new OciException(name + " is not a plan: want apiVersion " + VERSION);
      }
      String actual = file.toPlan().hash();
      if (!actual.equals(file.hash)) {
        throw new OciException(
            name + " was changed after it was made: its hash is " + actual + "; plan again");
      }
      return file;
    } catch (OciException | DateTimeException | NullPointerException e) {
      throw new PruneException(Code.INPUT_INVALID, String.valueOf(e.getMessage()), e);
    }
  }
}
