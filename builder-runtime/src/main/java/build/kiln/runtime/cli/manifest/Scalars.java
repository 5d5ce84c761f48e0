package build.kiln.runtime.cli.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a plain YAML scalar means to kubectl and the API server: YAML 1.1 as their library reads it.
 * A leading 0 makes a number octal, y and on are true, dates are texts.
 */
final class Scalars {
  private static final Set<String> NULL = Set.of("", "~", "null", "Null", "NULL");
  private static final Set<String> TRUE =
      Set.of("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON");
  private static final Set<String> FALSE =
      Set.of("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF");
  private static final Pattern INTEGER =
      Pattern.compile("([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))");
  private static final Pattern FLOAT =
      Pattern.compile("[-+]?(?:\\.[0-9]+|[0-9]+(?:\\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?");
  private static final Pattern NO_NUMBER = Pattern.compile("(?i)[-+]?\\.inf|\\.nan");

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private Scalars() {}

  /** The value; empty for the infinities and not-a-number, which JSON cannot hold. */
  static Optional<JsonNode> plain(String text) {
    if (NULL.contains(text)) {
      return Optional.of(JSON.nullNode());
    }
    if (TRUE.contains(text) || FALSE.contains(text)) {
      return Optional.of(JSON.booleanNode(TRUE.contains(text)));
    }
    String digits = text.replace("_", "");
    Matcher integer = INTEGER.matcher(digits);
    if (!text.startsWith("_") && integer.matches()) {
      return Optional.of(integer(integer));
    }
    if (FLOAT.matcher(digits).matches() && !text.startsWith("_")) {
      return Optional.of(number(new BigDecimal(digits)));
    }
    return NO_NUMBER.matcher(text.toLowerCase(Locale.ROOT)).matches()
        ? Optional.empty()
        : Optional.of(JSON.textNode(text));
  }

  private static JsonNode integer(Matcher integer) {
    int[] radix = {16, 2, 8, 10};
    for (int i = 0; i < radix.length; i++) {
      String digits = integer.group(i + 2);
      if (digits != null) {
        BigInteger value = new BigInteger(digits, radix[i]);
        return integer("-".equals(integer.group(1)) ? value.negate() : value);
      }
    }
    throw new IllegalStateException("no group of the pattern matched");
  }

  private static JsonNode number(BigDecimal value) {
    boolean whole = value.signum() == 0 || value.stripTrailingZeros().scale() <= 0;
    return whole && value.precision() - value.scale() < 20
        ? integer(value.toBigIntegerExact())
        : JSON.numberNode(value.doubleValue());
  }

  /** Of the smallest kind that holds it, as a parser of JSON makes it. */
  private static JsonNode integer(BigInteger value) {
    if (value.bitLength() < Integer.SIZE) {
      return JSON.numberNode(value.intValueExact());
    }
    return value.bitLength() < Long.SIZE
        ? JSON.numberNode(value.longValueExact())
        : JSON.numberNode(value);
  }
}
