"""Words that made-up people are made of; put together by chance, so that they name nobody."""

from typing import Final

FIRST_NAMES: Final = """
Ada Alan Alma Amir Amy Ana Andre Anna Arjun Asha Beth Bo Brenda Brian Carla Carlos Carol Cesar Chen Chloe Clara Cora
Dana Daniel David Dean Deepa Diego Dina Dora Duc Edgar Elena Eli Ella Emil Emma Enzo Erik Esther Eva Fatima Felix
Fiona Frank Gabriel Gail George Gina Glen Grace Grant Greta Hana Harold Hector Helen Henry Hiro Ian Ida Ines Irene
Isaac Ivan Jack Jada James Jane Javier Jean Jenny Jerome Jin Joan Joel John Jorge Joy Juan Judy Julia June Kai Karen
Karl Kate Keiko Ken Kim Kira Lan Lars Laura Leah Leo Lena Liam Lila Linda Ling Lisa Luis Luz Lynn Mai Marc Maria Mark
Marta Mary Maya Mei Mia Miguel Mila Min Mona Nadia Nam Nancy Naomi Neil Nina Noah Nora Olga Omar Otto Owen Pablo Pam
Paul Pedro Peter Phong Priya Quinn Rachel Raj Ralph Rita Robert Rosa Rose Roy Ruby Ruth Sam Sana Sara Sean Simon Sofia
Stan Sue Sunil Tara Ted Teresa Theo Thomas Tina Tran Vera Victor Vinh Walter Wanda Wei Will Yan Yuki Yusuf Zoe
""".split()  # noqa: SIM905  a list of words reads best as words

LAST_NAMES: Final = """
Abbott Acosta Adams Aguilar Ahmed Alvarez Anders Arroyo Baker Banks Barrera Bauer Becker Bell Bennett Berg Bishop
Blake Bond Boyd Brandt Brooks Bui Burke Butler Cabrera Campos Cao Carlson Carr Castro Chan Chang Chavez Cho Choi Chu
Clarke Cole Collins Conway Cortez Costa Cruz Curtis Dalton Dang Davila Day Dean Delgado Desai Diaz Dixon Doyle Duarte
Duffy Dunn Duong Eaton Ellis Engel Erickson Espinoza Estrada Farrell Fields Finch Fischer Fleming Flores Fong Fox
Frost Fuentes Gallagher Gao Garza Gibson Gill Gomez Gordon Grant Greene Griffin Gupta Guzman Hahn Hale Hansen Hart
Hayes Herrera Hicks Hoang Holt Hong Horn Huang Hughes Huynh Ibarra Iyer Jain Jensen Jordan Joshi Juarez Kang Kapoor
Katz Keller Kelly Khan Kim Klein Knight Koch Kumar Kwan Lam Lane Lang Larsen Lau Le Leon Levy Li Lim Lin Little Liu
Lopez Lowe Lucas Luna Lynch Mack Maldonado Marsh Mason Maxwell Medina Mehta Mendez Meyer Miles Molina Moore Mora Moss
Muniz Murphy Nash Navarro Nelson Ng Nguyen Nolan Norris Nunez Ochoa Olsen Ortega Owens Pacheco Page Park Patel Pena
Perez Pham Phan Pierce Pope Porter Price Quinn Ramos Rao Reed Reyes Rios Rivera Robles Rojas Rossi Rowe Ruiz Ryan
Salas Sanchez Santos Schmidt Schwartz Serrano Shah Sharma Shaw Silva Singh Solis Soto Stein Stone Suarez Sun Swanson
Tan Tang Thai Torres Tran Trujillo Turner Valdez Vang Vargas Vega Vo Vogel Wagner Walsh Wang Ward Weber Webb West Wolf
Wong Wood Wu Xu Yang Yates Yoder Young Yu Zamora Zhang Zhao Zhou Zimmerman
""".split()  # noqa: SIM905  a list of words reads best as words

STREET_NAMES: Final = """
Acacia Alder Alpine Amber Arbor Aspen Azalea Bay Bayview Beacon Birch Bluebell Bluff Briar Brook Camellia Canyon Cedar
Cherry Chestnut Clay Clover Coral Cove Creek Crescent Cypress Dahlia Dale Delta Dune Eagle Elder Elm Fairview Fern
Finch Fir Forest Foothill Garden Ginger Glen Golden Granite Grove Harbor Hawthorn Hazel Heather Heron Hickory Hill
Holly Iris Ivy Jasmine Juniper Kestrel Lake Larch Larkspur Laurel Lavender Lilac Lily Linden Lupine Magnolia Manzanita
Maple Marigold Marina Meadow Mesa Mill Mimosa Mission Mulberry Myrtle Nutmeg Oak Olive Orchard Osprey Palm Park Peach
Pear Pepper Pine Plum Poplar Poppy Prairie Quail Quince Redwood Ridge River Robin Rose Rosemary Rowan Sage Sandpiper
Sequoia Shore Sierra Spring Spruce Sumac Summit Sunset Swallow Sycamore Tamarack Terrace Thistle Trillium Tulip Valley
Vine Violet Vista Walnut Willow Wisteria Yarrow Yew
""".split()  # noqa: SIM905  a list of words reads best as words

SUFFIXES: Final = (
    ("Street", "St"),
    ("Avenue", "Ave"),
    ("Drive", "Dr"),
    ("Road", "Rd"),
    ("Court", "Ct"),
    ("Lane", "Ln"),
    ("Way", "Way"),
    ("Place", "Pl"),
    ("Boulevard", "Blvd"),
)

INCOME_BANDS: Final = (0, 25_000, 50_000, 75_000, 100_000, 125_000, 150_000, 200_000)
