package build.kiln.runtime.cache;

import build.kiln.runtime.oci.OciException;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a step's key was made of, in a form that can be compared part by part. Values are short
 * hashes: an argument may be a secret.
 *
 * @param step which step of the Dockerfile: stage, ordinal, kind
 * @param text the instruction as written, in one line, its start
 * @param textHash of the whole of it
 * @param words of the instruction with its variables' values
 * @param parent what it builds on; null if its key does not depend on that
 * @param arguments build arguments by name
 * @param environment environment variables by name
 * @param settings user, working directory and the like, by what people call them
 * @param files what it copies, by path
 * @param source what it copies from: a name; null for the build context
 * @param sourceHash of all files of that
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record StepInputs(
    String step,
    String text,
    String textHash,
    String words,
    @Nullable Parent parent,
    SortedMap<String, String> arguments,
    SortedMap<String, String> environment,
    SortedMap<String, String> settings,
    SortedMap<String, FileInput> files,
    @Nullable String source,
    @Nullable String sourceHash) {
  private static final int TEXT = 200;

  /**
   * @throws OciException if something is missing, as in a record of another version
   */
  @SuppressWarnings("ConstantValue") // Jackson passes null for what the JSON lacks
  public StepInputs {
    if (step == null || text == null || textHash == null) {
      throw new OciException("inputs without step or text");
    }
    words = Objects.requireNonNullElse(words, "");
    arguments = copy(arguments);
    environment = copy(environment);
    settings = copy(settings);
    files = copy(files);
  }

  private static <V> SortedMap<String, V> copy(@Nullable SortedMap<String, V> map) {
    return map == null
        ? Collections.emptySortedMap()
        : Collections.unmodifiableSortedMap(new TreeMap<>(map));
  }

  /**
   * What a step builds on.
   *
   * @param name the image's name, or the earlier step's instruction
   * @param digest the image's; null for a step
   * @param chain the hash of all files
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Parent(Kind kind, String name, @Nullable String digest, String chain) {
    /** What it can be. */
    public enum Kind {
      /** An image. */
      BASE,
      /** The step before, or the last one of the stage it is based on. */
      STEP,
      /** Nothing: scratch. */
      EMPTY
    }

    /**
     * @throws OciException if something is missing, as in a record of another version
     */
    @SuppressWarnings("ConstantValue") // Jackson passes null for what the JSON lacks
    public Parent {
      if (kind == null || name == null || chain == null) {
        throw new OciException("inputs whose parent has no kind, name or chain");
      }
    }
  }

  /**
   * @param step which step of the Dockerfile it is
   * @param instruction as written, in one line
   */
  public static Builder of(String step, String instruction) {
    return new Builder(step, instruction);
  }

  /** Takes the parts of a key together. */
  public static final class Builder {
    private final String step;
    private final String instruction;
    private final SortedMap<String, String> arguments = new TreeMap<>();
    private final SortedMap<String, String> environment = new TreeMap<>();
    private final SortedMap<String, String> settings = new TreeMap<>();
    private String words = "";
    private @Nullable Parent parent;
    private SortedMap<String, FileInput> files = new TreeMap<>();
    private @Nullable String source;
    private @Nullable String sourceHash;

    private Builder(String step, String instruction) {
      this.step = step;
      this.instruction = instruction;
    }

    /** The instruction with its variables' values. */
    public Builder words(String expanded) {
      words = Hashes.of(expanded);
      return this;
    }

    public Builder parent(Parent newParent) {
      parent = newParent;
      return this;
    }

    /**
     * Build arguments and environment variables that the result depends on; an argument hides a
     * variable.
     */
    public Builder variables(Map<String, String> args, Map<String, String> env) {
      args.forEach((name, value) -> arguments.put(name, Hashes.of(name, value)));
      env.forEach(
          (name, value) -> {
            if (!args.containsKey(name)) {
              environment.put(name, Hashes.of(name, value));
            }
          });
      return this;
    }

    /** Those of the variables that the instruction names. */
    public Builder variablesInText(Map<String, String> args, Map<String, String> env) {
      var named = new TreeMap<>(args);
      named.keySet().removeIf(name -> !names(name));
      var namedEnv = new TreeMap<>(env);
      namedEnv.keySet().removeIf(name -> !names(name));
      return variables(named, namedEnv);
    }

    private boolean names(String variable) {
      return instruction.contains("$" + variable) || instruction.contains("${" + variable);
    }

    /**
     * Something else that counts.
     *
     * @param name as in "... changed": "the user"
     */
    public Builder setting(String name, @Nullable Object value) {
      if (value != null) {
        settings.put(name, Hashes.of(name, value.toString()));
      }
      return this;
    }

    public Builder files(FileInputs collected) {
      files = collected.byPath();
      return this;
    }

    /**
     * An image or a stage that files come from.
     *
     * @param hash of all files there
     */
    public Builder source(String name, String hash) {
      source = name;
      sourceHash = hash;
      return this;
    }

    public StepInputs build() {
      return new StepInputs(
          step,
          instruction.length() <= TEXT ? instruction : instruction.substring(0, TEXT),
          Hashes.of(instruction),
          words,
          parent,
          arguments,
          environment,
          settings,
          files,
          source,
          sourceHash);
    }
  }
}
