package build.kiln.runtime.cache;

import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.JsonRecord;
import build.kiln.runtime.oci.JsonRecord.Field;
import build.kiln.runtime.oci.OciException;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
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
  private static final int LONGEST = 200;

  private static final Field<StepInputs, String> STEP =
      Field.ifAny("step", JsonForm.TEXT, StepInputs::step);
  private static final Field<StepInputs, String> INSTRUCTION =
      Field.ifAny("text", JsonForm.TEXT, StepInputs::text);
  private static final Field<StepInputs, String> TEXT_HASH =
      Field.ifAny("textHash", JsonForm.TEXT, StepInputs::textHash);
  private static final Field<StepInputs, String> WORDS =
      Field.ifAny("words", JsonForm.TEXT, StepInputs::words);
  private static final Field<StepInputs, Parent> PARENT =
      Field.ifAny("parent", Parent.JSON, StepInputs::parent);
  private static final Field<StepInputs, Map<String, String>> ARGUMENTS =
      Field.ifAny("arguments", JsonForm.TEXT_MAP, StepInputs::arguments);
  private static final Field<StepInputs, Map<String, String>> ENVIRONMENT =
      Field.ifAny("environment", JsonForm.TEXT_MAP, StepInputs::environment);
  private static final Field<StepInputs, Map<String, String>> SETTINGS =
      Field.ifAny("settings", JsonForm.TEXT_MAP, StepInputs::settings);
  private static final Field<StepInputs, Map<String, FileInput>> FILES =
      Field.ifAny("files", JsonForm.map(FileInput.JSON), StepInputs::files);
  private static final Field<StepInputs, String> SOURCE =
      Field.ifAny("source", JsonForm.TEXT, StepInputs::source);
  private static final Field<StepInputs, String> SOURCE_HASH =
      Field.ifAny("sourceHash", JsonForm.TEXT, StepInputs::sourceHash);

  static final JsonForm<StepInputs> JSON =
      JsonRecord.of(
          json ->
              new StepInputs(
                  json.need(STEP),
                  json.need(INSTRUCTION),
                  json.need(TEXT_HASH),
                  json.get(WORDS, ""),
                  json.get(PARENT),
                  new TreeMap<>(json.get(ARGUMENTS, Map.of())),
                  new TreeMap<>(json.get(ENVIRONMENT, Map.of())),
                  new TreeMap<>(json.get(SETTINGS, Map.of())),
                  new TreeMap<>(json.get(FILES, Map.of())),
                  json.get(SOURCE),
                  json.get(SOURCE_HASH)),
          STEP,
          INSTRUCTION,
          TEXT_HASH,
          WORDS,
          PARENT,
          ARGUMENTS,
          ENVIRONMENT,
          SETTINGS,
          FILES,
          SOURCE,
          SOURCE_HASH);

  public StepInputs {
    arguments = copy(arguments);
    environment = copy(environment);
    settings = copy(settings);
    files = copy(files);
  }

  private static <V> SortedMap<String, V> copy(SortedMap<String, V> map) {
    return Collections.unmodifiableSortedMap(new TreeMap<>(map));
  }

  /**
   * What a step builds on.
   *
   * @param name the image's name, or the earlier step's instruction
   * @param digest the image's; null for a step
   * @param chain the hash of all files
   */
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

    private static final Field<Parent, Kind> KIND =
        Field.of("kind", JsonForm.text(Parent::kind), Parent::kind);
    private static final Field<Parent, String> NAME = Field.of("name", JsonForm.TEXT, Parent::name);
    private static final Field<Parent, String> DIGEST =
        Field.of("digest", JsonForm.TEXT, Parent::digest);
    private static final Field<Parent, String> CHAIN =
        Field.of("chain", JsonForm.TEXT, Parent::chain);

    static final JsonForm<Parent> JSON =
        JsonRecord.of(
            json ->
                new Parent(json.need(KIND), json.need(NAME), json.get(DIGEST), json.need(CHAIN)),
            KIND,
            NAME,
            DIGEST,
            CHAIN);

    private static Kind kind(String name) {
      return Stream.of(Kind.values())
          .filter(kind -> kind.name().equals(name))
          .findFirst()
          .orElseThrow(() -> new OciException("no kind of parent: " + name));
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
          instruction.length() <= LONGEST ? instruction : instruction.substring(0, LONGEST),
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
